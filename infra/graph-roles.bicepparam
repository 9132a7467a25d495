// Whom to give the Graph roles, and for what.
using 'graph-roles.bicep'

// The output `principalId` of main.bicep.
param principalId = readEnvironmentVariable('KEYTURN_PRINCIPAL_ID', '00000000-0000-0000-0000-000000000000')

// Also `scriptTargets` for on-demand messages that name a script, and `recordToGraph` for the setting RECORD_TO_GRAPH.
param features = ['rotation']
