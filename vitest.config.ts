import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'test/differential/**', 'test/mutation/**'],
    testTimeout: 180_000,
    // A machine that runs everything at once may miss a moment; a real fault fails twice.
    retry: process.env.CI ? 1 : 0,
    hookTimeout: 180_000,
  },
})
