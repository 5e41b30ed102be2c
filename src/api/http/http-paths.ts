// Where the methods of the API are found over HTTP. All are POST; the body is the request message as JSON.

/** By gRPC path. The first table is what clients of authzed.api.v1 know, the second is ours. */
export const httpPaths: { readonly [grpcPath: string]: string } = {
  '/authzed.api.v1.PermissionsService/ReadRelationships': '/v1/relationships/read',
  '/authzed.api.v1.PermissionsService/WriteRelationships': '/v1/relationships/write',
  '/authzed.api.v1.PermissionsService/DeleteRelationships': '/v1/relationships/delete',
  '/authzed.api.v1.PermissionsService/CheckPermission': '/v1/permissions/check',
  '/authzed.api.v1.PermissionsService/CheckBulkPermissions': '/v1/permissions/checkbulk',
  '/authzed.api.v1.PermissionsService/ExpandPermissionTree': '/v1/permissions/expand',
  '/authzed.api.v1.PermissionsService/LookupResources': '/v1/permissions/resources',
  '/authzed.api.v1.PermissionsService/LookupSubjects': '/v1/permissions/subjects',
  '/authzed.api.v1.PermissionsService/ImportBulkRelationships': '/v1/relationships/importbulk',
  '/authzed.api.v1.PermissionsService/ExportBulkRelationships': '/v1/relationships/exportbulk',
  '/authzed.api.v1.SchemaService/ReadSchema': '/v1/schema/read',
  '/authzed.api.v1.SchemaService/WriteSchema': '/v1/schema/write',
  '/authzed.api.v1.SchemaService/ReflectSchema': '/v1/schema/reflectschema',
  '/authzed.api.v1.SchemaService/ComputablePermissions': '/v1/schema/permissions/computable',
  '/authzed.api.v1.SchemaService/DependentRelations': '/v1/schema/permissions/dependent',
  '/authzed.api.v1.SchemaService/DiffSchema': '/v1/schema/diffschema',
  '/authzed.api.v1.WatchService/Watch': '/v1/watch',
  '/authzed.api.v1.ExperimentalService/BulkImportRelationships': '/v1/experimental/relationships/bulkimport',
  '/authzed.api.v1.ExperimentalService/BulkExportRelationships': '/v1/experimental/relationships/bulkexport',
  '/authzed.api.v1.ExperimentalService/BulkCheckPermission':
    '/v1/experimental/permissions/bulkcheckpermission',
  '/authzed.api.v1.ExperimentalService/ExperimentalReflectSchema': '/v1/experimental/reflectschema',
  '/authzed.api.v1.ExperimentalService/ExperimentalComputablePermissions':
    '/v1/experimental/permissions/computable',
  '/authzed.api.v1.ExperimentalService/ExperimentalDependentRelations':
    '/v1/experimental/permissions/dependent',
  '/authzed.api.v1.ExperimentalService/ExperimentalDiffSchema': '/v1/experimental/diffschema',
  '/authzed.api.v1.ExperimentalService/ExperimentalRegisterRelationshipCounter':
    '/v1/experimental/registerrelationshipcounter',
  '/authzed.api.v1.ExperimentalService/ExperimentalCountRelationships': '/v1/experimental/countrelationships',
  '/authzed.api.v1.ExperimentalService/ExperimentalUnregisterRelationshipCounter':
    '/v1/experimental/unregisterrelationshipcounter',

  '/cardea.v1.ExplainService/Explain': '/cardea/v1/explain',
  '/cardea.v1.ExplainService/ExplainBulk': '/cardea/v1/explainbulk',
  '/cardea.v1.SchemaPlanService/PlanSchema': '/cardea/v1/planschema',
  '/cardea.v1.WriteService/Write': '/cardea/v1/write',
}
