// Server reflection: lets grpcurl and others ask what is served.

import type { DescFile } from '@bufbuild/protobuf'
import { toBinary } from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'
import type { Server } from '@grpc/grpc-js'
import { ReflectionService } from '@grpc/reflection'
import type { Route } from '../methods/route.ts'

/** Adds grpc.reflection.v1 and v1alpha for the services of the routes. */
export function addReflection(server: Server, routes: readonly Route[]): void {
  const files = new Map<string, Buffer>()
  const collect = (file: DescFile) => {
    if (files.has(file.name)) return
    for (const dependency of file.dependencies) collect(dependency)
    files.set(file.name, Buffer.from(toBinary(FileDescriptorProtoSchema, file.proto)))
  }
  for (const { method } of routes) collect(method.parent.file)
  // The package wants what proto-loader makes, and of that looks at the descriptors alone.
  const definition = {
    cardea: { fileDescriptorProtos: [...files.values()] },
  } as unknown as ConstructorParameters<typeof ReflectionService>[0]
  new ReflectionService(definition).addToServer(server)
}
