// When people should look. Each rule is a query over the app's own log lines, kept in ../queries and tested against the code.

@description('First part of every rule name.')
param name string

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags { *: string }

@description('Name of the Log Analytics workspace.')
param workspaceName string

@description('Resource id of the action group to notify; empty: rules fire in the portal only.')
param actionGroupId string

@description('True: warn when no scheduled run happened for two days.')
param warnWhenNothingRuns bool

@description('Warn of rotations that are without proof for more than this many days.')
param unprovenAfterDays int

@description('Warn when Graph throttled more than this share of its answers, in per cent.')
param throttledSharePercent int

type alert = {
  @description('Last part of the rule name.')
  name: string

  @description('What the notification is headed.')
  title: string

  @description('What it means, and what to do.')
  description: string

  @description('The query; every row of it counts, unless `measure` names a column.')
  query: string

  @description('0 critical, 1 error, 2 warning, 3 informational.')
  severity: 0 | 1 | 2 | 3

  @description('How often it is asked, ISO 8601.')
  every: string

  @description('Over what time, ISO 8601; at most P2D. Longer than `every`, because lines arrive late.')
  over: string

  @description('Column to compare.')
  measure: string?

  @description('What fires it.')
  operator: 'GreaterThan' | 'LessThan'

  @description('See `operator`.')
  threshold: int

  @description('False: the rule exists and does not fire.')
  enabled: bool
}

var rules alert[] = [
  {
    name: 'run-failed'
    title: 'Keyturn: a run failed or was aborted'
    description: 'A run was aborted by its canary or circuit breaker, or an invocation keeps failing. Run `keyturn status` and `keyturn doctor`.'
    query: loadTextContent('../queries/run-failed.kql')
    severity: 1
    every: 'PT30M'
    over: 'PT2H'
    operator: 'GreaterThan'
    threshold: 0
    enabled: true
  }
  {
    name: 'nothing-run'
    title: 'Keyturn: nothing has run for two days'
    description: 'No scheduled run started or went on for two days; on a new deployment, not yet. Check ROTATION_MODE and ROTATION_SCHEDULE, then `keyturn doctor`.'
    query: loadTextContent('../queries/nothing-run.kql')
    severity: 1
    every: 'PT6H'
    over: 'P2D'
    measure: 'Ticks'
    operator: 'LessThan'
    threshold: 1
    enabled: warnWhenNothingRuns
  }
  {
    name: 'quarantine'
    title: 'Keyturn: messages are in quarantine'
    description: 'Work that failed at every delivery, or requests that were refused, wait for people. Read the reasons in the table Quarantine, then `keyturn requeue`.'
    query: loadTextContent('../queries/quarantine.kql')
    severity: 2
    every: 'PT1H'
    over: 'P2D'
    operator: 'GreaterThan'
    threshold: 0
    enabled: true
  }
  {
    name: 'unproven'
    title: 'Keyturn: rotations are without proof for long'
    description: 'Devices were asked and no new key appeared: offline for long, or without the policy that escrows it. Run `keyturn status` and `keyturn fleet`.'
    query: loadTextContent('../queries/unproven.kql')
    severity: 2
    every: 'PT6H'
    over: 'P2D'
    measure: 'OldestDays'
    operator: 'GreaterThan'
    threshold: unprovenAfterDays
    enabled: true
  }
  {
    name: 'throttled'
    title: 'Keyturn: Graph throttles too much'
    description: 'Another app spends the tenant\'s quota, or a budget is set above the service limit. Lower GRAPH_WRITE_BUDGET, or find the other app.'
    query: loadTextContent('../queries/throttled.kql')
    severity: 3
    every: 'PT1H'
    over: 'PT2H'
    measure: 'ThrottledShare'
    operator: 'GreaterThan'
    threshold: throttledSharePercent
    enabled: true
  }
]

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' existing = {
  name: workspaceName
}

resource alerts 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for rule in rules: {
    name: '${name}-${rule.name}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: rule.title
      description: rule.description
      enabled: rule.enabled
      severity: rule.severity
      scopes: [workspace.id]
      evaluationFrequency: rule.every
      windowSize: rule.over
      criteria: {
        allOf: [
          {
            query: rule.query
            timeAggregation: rule.?measure == null ? 'Count' : 'Maximum'
            ...(rule.?measure == null ? {} : { metricMeasureColumn: rule.?measure })
            operator: rule.operator
            threshold: rule.threshold
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      autoMitigate: true
      // The workspace is as new as the rule: its tables appear with the first line.
      skipQueryValidation: true
      actions: { actionGroups: empty(actionGroupId) ? [] : [actionGroupId] }
    }
  }
]
