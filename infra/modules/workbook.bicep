// One workbook: how exports go, what fails, who reads files, and what the logs cost.
param location string
param tags object
param workspaceId string

var charts = [
  {
    title: 'Exports by status'
    query: loadTextContent('../queries/workbook/exports-by-status.kql')
  }
  {
    title: 'Rows and megabytes exported'
    query: loadTextContent('../queries/workbook/rows-and-bytes.kql')
  }
  {
    title: 'Seconds of completed exports: median, 95 %, 99 %'
    query: loadTextContent('../queries/workbook/seconds-of-exports.kql')
  }
  {
    title: 'Exports by tenant'
    query: loadTextContent('../queries/workbook/exports-by-tenant.kql')
  }
  {
    title: 'Reasons of failed exports'
    query: loadTextContent('../queries/workbook/reasons-of-failures.kql')
  }
  {
    title: 'Steps and pages that were tried again'
    query: loadTextContent('../queries/workbook/steps-tried-again.kql')
  }
  {
    title: 'Requests by answer'
    query: loadTextContent('../queries/workbook/requests-by-answer.kql')
  }
  {
    title: 'Files read through links'
    query: loadTextContent('../queries/workbook/files-read.kql')
  }
  {
    title: 'Megabytes of logs by table'
    query: loadTextContent('../queries/workbook/ingested.kql')
  }
]

var timeRange = {
  type: 9
  name: 'parameters'
  content: {
    version: 'KqlParameterItem/1.0'
    style: 'pills'
    parameters: [
      {
        id: guid('TimeRange')
        version: 'KqlParameterItem/1.0'
        name: 'TimeRange'
        label: 'Time range'
        type: 4
        isRequired: true
        value: {
          durationMs: 604800000
        }
        typeSettings: {
          selectableValues: [
            {
              durationMs: 86400000
            }
            {
              durationMs: 604800000
            }
            {
              durationMs: 2592000000
            }
          ]
          allowCustom: true
        }
      }
    ]
  }
}

var items = [
  for chart in charts: {
    type: 3
    name: chart.title
    content: {
      version: 'KqlItem/1.0'
      title: chart.title
      query: chart.query
      size: 0
      queryType: 0
      resourceType: 'microsoft.operationalinsights/workspaces'
      timeContextFromParameter: 'TimeRange'
    }
  }
]

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'client-export')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'client-export'
    category: 'workbook'
    sourceId: workspaceId
    version: 'Notebook/1.0'
    serializedData: string({
      version: 'Notebook/1.0'
      items: concat([timeRange], items)
      fallbackResourceIds: [workspaceId]
    })
  }
}
