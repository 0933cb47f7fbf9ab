// Tells operators when something is wrong: an action group and the alerts. docs/runbook.md has a section for each alert.
// A query alert fires when its query returns a row; `ingestion-cost` fires when its sum exceeds a share of the daily cap.
param token string
param location string
param tags object
param workspaceId string
param storageId string
param emails string

@secure()
param webhookUrl string

@description('Daily cap of the workspace in GB.')
param dailyCapGb int

var runbook = 'See docs/runbook.md, section'
var addresses = empty(emails) ? [] : split(emails, ',')
var costRule = 'ingestion-cost'
var costShareInPercent = 80
var throttledRequests = 20

// Severity: 1 callers are affected, 2 one job is affected, 3 look at it on the same day.
var rules = [
  {
    name: 'export-failed'
    title: 'An export has failed'
    severity: 2
    every: 'PT5M'
    window: 'PT5M'
    query: loadTextContent('../queries/alerts/export-failed.kql')
  }
  {
    name: 'job-stalled'
    title: 'A job makes no progress'
    severity: 2
    every: 'PT5M'
    window: 'PT5M'
    query: loadTextContent('../queries/alerts/job-stalled.kql')
  }
  {
    name: 'job-queued'
    title: 'A job has waited too long for its start'
    severity: 2
    every: 'PT5M'
    window: 'PT5M'
    query: loadTextContent('../queries/alerts/job-queued.kql')
  }
  {
    name: 'watchdog-silent'
    title: 'The watchdog has not run for a quarter of an hour'
    severity: 1
    every: 'PT5M'
    window: 'PT15M'
    query: loadTextContent('../queries/alerts/watchdog-silent.kql')
  }
  {
    name: 'server-errors'
    title: 'Requests are answered with 5xx'
    severity: 1
    every: 'PT5M'
    window: 'PT5M'
    query: loadTextContent('../queries/alerts/server-errors.kql')
  }
  {
    name: 'webhook-undelivered'
    title: 'A webhook has not been delivered'
    severity: 3
    every: 'PT15M'
    window: 'PT15M'
    query: loadTextContent('../queries/alerts/webhook-undelivered.kql')
  }
  {
    name: costRule
    title: 'The logs of a day come near the daily cap'
    severity: 3
    every: 'PT1H'
    window: 'P1D'
    query: loadTextContent('../queries/alerts/ingestion-cost.kql')
  }
  {
    name: 'logging-stopped'
    title: 'The daily cap has stopped the logs, so most alerts are blind'
    severity: 1
    every: 'PT15M'
    window: 'PT15M'
    query: loadTextContent('../queries/alerts/logging-stopped.kql')
  }
]

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-${token}'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'exports'
    emailReceivers: [
      for (address, index) in addresses: {
        name: 'email-${index}'
        emailAddress: trim(address)
        useCommonAlertSchema: true
      }
    ]
    webhookReceivers: empty(webhookUrl) ? [] : [
      {
        name: 'webhook'
        serviceUri: webhookUrl
        useCommonAlertSchema: true
      }
    ]
  }
}

resource queryAlerts 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for rule in rules: {
    name: '${rule.name}-${token}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: rule.title
      description: '${runbook} ${rule.name}.'
      severity: rule.severity
      enabled: true
      scopes: [workspaceId]
      evaluationFrequency: rule.every
      windowSize: rule.window
      autoMitigate: true
      // The tables of a new workspace exist only when the first rows arrive. The tests check every query instead, with
      // Microsoft's own parser.
      skipQueryValidation: true
      criteria: {
        allOf: [
          {
            query: rule.query
            timeAggregation: rule.name == costRule ? 'Total' : 'Count'
            metricMeasureColumn: rule.name == costRule ? 'megabytes' : null
            operator: 'GreaterThan'
            threshold: rule.name == costRule ? dailyCapGb * 1000 * costShareInPercent / 100 : 0
            failingPeriods: {
              numberOfEvaluationPeriods: 1
              minFailingPeriodsToAlert: 1
            }
          }
        ]
      }
      actions: {
        actionGroups: [people.id]
      }
    }
  }
]

// A metric of the platform, because the logs of tables and queues would cost more than the service: Durable Functions asks
// them every second.
resource throttled 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: 'storage-throttled-${token}'
  location: 'global'
  tags: tags
  properties: {
    description: '${runbook} storage-throttled.'
    severity: 3
    enabled: true
    scopes: [storageId]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT5M'
    autoMitigate: true
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'throttled'
          metricNamespace: 'Microsoft.Storage/storageAccounts'
          metricName: 'Transactions'
          dimensions: [
            {
              name: 'ResponseType'
              operator: 'Include'
              values: [
                'ServerBusyError'
                'ClientThrottlingError'
                'ClientAccountRequestThrottlingError'
                'ClientAccountBandwidthThrottlingError'
              ]
            }
          ]
          operator: 'GreaterThan'
          threshold: throttledRequests
          timeAggregation: 'Total'
        }
      ]
    }
    actions: [
      {
        actionGroupId: people.id
      }
    ]
  }
}
