// One page to watch the fleet on. Its queries are kept in ../queries and tested against the code.

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags { *: string }

@description('Name of the Log Analytics workspace.')
param workspaceName string

type panel = {
  @description('Heading.')
  title: string

  @description('The query.')
  query: string

  @description('How it is drawn.')
  as: 'table' | 'timechart' | 'barchart' | 'categoricalbar'

  @description('Share of the width, in per cent.')
  width: int
}

var panels panel[] = [
  {
    title: 'Age of the newest key, devices'
    query: loadTextContent('../queries/fleet-key-age.kql')
    as: 'categoricalbar'
    width: 50
  }
  {
    title: 'Due and not due, per plan'
    query: loadTextContent('../queries/fleet-due.kql')
    as: 'timechart'
    width: 50
  }
  {
    title: 'Runs: devices per state'
    query: loadTextContent('../queries/run-progress.kql')
    as: 'table'
    width: 100
  }
  {
    title: 'Outcomes of finished runs, by reason'
    query: loadTextContent('../queries/outcomes-by-reason.kql')
    as: 'categoricalbar'
    width: 50
  }
  {
    title: 'Quota: requests, throttled, retries, waiting'
    query: loadTextContent('../queries/quota-use.kql')
    as: 'timechart'
    width: 50
  }
  {
    title: 'Stragglers: slices still looked at'
    query: loadTextContent('../queries/stragglers.kql')
    as: 'table'
    width: 50
  }
  {
    title: 'Without proof, and in quarantine'
    query: loadTextContent('../queries/unsettled.kql')
    as: 'timechart'
    width: 50
  }
]

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' existing = {
  name: workspaceName
}

// Shape: Azure Workbooks, "Notebook/1.0". Source: microsoft/Application-Insights-Workbooks, schema/workbook.json (read 2026-11-22).
// Types: 1 text, 3 query, 9 parameters; parameter type 4 is a time range; query type 0 is Log Analytics.
var content = {
  version: 'Notebook/1.0'
  items: [
    {
      type: 1
      name: 'heading'
      content: { json: '# Keyturn\nRotation of BitLocker recovery keys: requested, confirmed, proven.' }
    }
    {
      type: 9
      name: 'parameters'
      content: {
        version: 'KqlParameterItem/1.0'
        parameters: [
          {
            id: guid(resourceGroup().id, 'TimeRange')
            version: 'KqlParameterItem/1.0'
            name: 'TimeRange'
            label: 'Time'
            type: 4
            isRequired: true
            value: { durationMs: 2592000000 }
            typeSettings: {
              selectableValues: [
                { durationMs: 86400000 }
                { durationMs: 604800000 }
                { durationMs: 2592000000 }
                { durationMs: 7776000000 }
              ]
              allowCustom: true
            }
          }
        ]
        style: 'pills'
        queryType: 0
        resourceType: 'microsoft.operationalinsights/workspaces'
      }
    }
    ...map(panels, panel => {
      type: 3
      name: panel.title
      customWidth: string(panel.width)
      content: {
        version: 'KqlItem/1.0'
        title: panel.title
        query: panel.query
        visualization: panel.as
        size: 0
        timeContextFromParameter: 'TimeRange'
        queryType: 0
        resourceType: 'microsoft.operationalinsights/workspaces'
        noDataMessage: 'No line of this kind in this time.'
      }
    })
  ]
  isLocked: false
  fallbackResourceIds: [workspace.id]
}

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'keyturn-workbook')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Keyturn'
    category: 'workbook'
    sourceId: workspace.id
    serializedData: string(content)
  }
}
