import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/differential/**'],
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
})
