// The Graph app roles of Keyturn's identity. Kept apart from main.bicep: whoever deploys it needs the directory role
// Privileged Role Administrator, and the Microsoft Graph extension comes from a registry. `keyturn grant` does the same without both.
targetScope = 'resourceGroup'

extension microsoftGraphV1

@description('Object id of the app\'s identity: the output `principalId` of main.bicep.')
@minLength(36)
@maxLength(36)
param principalId string

@description('What the app is to do. Roles that only other features need are not granted.')
param features feature[] = ['rotation']

@description('A feature of src/graph/app-roles.ts.')
type feature = 'rotation' | 'scriptTargets' | 'recordToGraph' | 'escrow'

type roleGrant = {
  @description('Name of the app role.')
  role: string

  @description('Its id, the same in every tenant.')
  roleId: string

  @description('What needs it.')
  reasons: { feature: string, title: string }[]
}

// Written from src/graph/app-roles.ts, the list that `keyturn grant` and `keyturn doctor` read too; a test compares them.
var grants roleGrant[] = loadJsonContent('app-roles.json')

// Microsoft Graph itself. Source: Microsoft Graph documentation, "Grant or revoke API permissions programmatically" (read 2026-11-22).
resource graph 'Microsoft.Graph/servicePrincipals@v1.0' existing = {
  appId: '00000003-0000-0000-c000-000000000000'
}

resource assignments 'Microsoft.Graph/appRoleAssignedTo@v1.0' = [
  for grant in filter(grants, grant => !empty(intersection(map(grant.reasons, reason => reason.feature), features))): {
    principalId: principalId
    resourceId: graph.id
    appRoleId: grant.roleId
  }
]

@description('The app roles granted.')
output roles string[] = map(
  filter(grants, grant => !empty(intersection(map(grant.reasons, reason => reason.feature), features))),
  grant => grant.role
)
