// The generated services and messages that the doors and the client name; nobody else reaches into gen/.

export type {
  Relationship as RelationshipMessage,
  RelationshipUpdate as RelationshipUpdateMessage,
} from './gen/authzed/api/v1/core_pb.ts'
export { ExperimentalService } from './gen/authzed/api/v1/experimental_service_pb.ts'
export {
  type CheckBulkPermissionsRequest,
  type CheckBulkPermissionsRequestItem,
  type Consistency as ConsistencyMessage,
  DeleteRelationshipsResponse_DeletionProgress as DeletionProgress,
  type ExportBulkRelationshipsRequest,
  LookupSubjectsRequest_WildcardOption as WildcardOption,
  PermissionsService,
} from './gen/authzed/api/v1/permission_service_pb.ts'
export { SchemaService } from './gen/authzed/api/v1/schema_service_pb.ts'
export { WatchKind, WatchService } from './gen/authzed/api/v1/watch_service_pb.ts'
export { ExplainService } from './gen/cardea/v1/explain_pb.ts'
export { SchemaPlanService } from './gen/cardea/v1/schema_pb.ts'
export { WriteService } from './gen/cardea/v1/write_pb.ts'
export { ErrorInfoSchema, RetryInfoSchema } from './gen/google/rpc/error_details_pb.ts'
export { type Status, StatusSchema } from './gen/google/rpc/status_pb.ts'
