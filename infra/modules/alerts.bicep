// Tells operators when something is wrong: an action group and the alerts. docs/runbook.md has a section for each alert.
// A query alert fires when its query returns a row; `ingestion-cost` fires when its sum exceeds a share of the daily cap.
param token string
param location string
param tags object
param workspaceId string
param storageId string
param insightsId string
param emails string

@description('Address that the availability test asks for the health of the service. Empty: there is no such test.')
param healthUrl string

@secure()
param webhookUrl string

@description('Daily cap of the workspace in GB.')
param dailyCapGb int

var runbook = 'See docs/runbook.md, section'
var addresses = empty(emails) ? [] : split(emails, ',')
var costRule = 'ingestion-cost'
var costShareInPercent = 80
var throttledRequests = 20

// An alert that is fired tells nothing more until it is resolved. That is right for a state, such as a silent watchdog. The
// lines of these rules are single events: each period that has some is told, and there is nothing to resolve.
var singleEvents = ['export-failed', 'webhook-undelivered']

// This rule has an alert of its own for each schedule, job or row, so that one which stays broken hides no other.
var upkeepRule = 'upkeep-failed'

// West Europe, North Europe, UK South, France Central, East US. Microsoft advises five places or more, and an alert when
// all but two of them fail.
var places = ['emea-nl-ams-azr', 'emea-gb-db3-azr', 'emea-ru-msa-edge', 'emea-fr-pra-edge', 'us-va-ash-azr']
var failedPlaces = length(places) - 2

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
    name: upkeepRule
    title: 'A schedule cannot start its export, a job cannot be watched or cleaned up, or a row is damaged'
    severity: 2
    every: 'PT5M'
    window: 'PT15M'
    query: loadTextContent('../queries/alerts/upkeep-failed.kql')
  }
  {
    name: 'watchdog-silent'
    title: 'The watchdog or the retention has not run for a quarter of an hour'
    severity: 1
    every: 'PT5M'
    window: 'PT15M'
    query: loadTextContent('../queries/alerts/watchdog-silent.kql')
  }
  {
    name: 'server-errors'
    title: 'Requests are answered with 5xx, or the timer fails'
    severity: 1
    every: 'PT5M'
    window: 'PT5M'
    query: loadTextContent('../queries/alerts/server-errors.kql')
  }
  {
    name: 'webhook-undelivered'
    title: 'A webhook or an e-mail has not been delivered'
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
      autoMitigate: !contains(singleEvents, rule.name)
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
            dimensions: rule.name != upkeepRule ? [] : [
              {
                name: 'tenant'
                operator: 'Include'
                values: ['*']
              }
              {
                name: 'subject'
                operator: 'Include'
                values: ['*']
              }
            ]
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

// Asks from outside, because a host that does not start writes no log in which a query could find that. Each place asks
// every five minutes, so one of them asks every minute.
resource health 'Microsoft.Insights/webtests@2022-06-15' = if (!empty(healthUrl)) {
  name: 'health-${token}'
  location: location
  kind: 'standard'
  tags: union(tags, { 'hidden-link:${insightsId}': 'Resource' })
  properties: {
    SyntheticMonitorId: 'health-${token}'
    Name: 'health'
    Enabled: true
    Kind: 'standard'
    Frequency: 300
    Timeout: 60 // a cold start takes half a minute at most, and /health answers within ten seconds
    RetryEnabled: true
    Locations: [for place in places: { Id: place }]
    Request: {
      RequestUrl: healthUrl
      HttpVerb: 'GET'
      ParseDependentRequests: false
      FollowRedirects: false
    }
    ValidationRules: {
      ExpectedHttpStatusCode: 200
      SSLCheck: true
    }
  }
}

resource unavailable 'Microsoft.Insights/metricAlerts@2018-03-01' = if (!empty(healthUrl)) {
  name: 'service-unavailable-${token}'
  location: 'global'
  tags: tags
  properties: {
    description: '${runbook} service-unavailable.'
    severity: 1
    enabled: true
    scopes: [health.id, insightsId]
    evaluationFrequency: 'PT1M'
    windowSize: 'PT5M'
    autoMitigate: true
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.WebtestLocationAvailabilityCriteria'
      webTestId: health.id
      componentId: insightsId
      failedLocationCount: failedPlaces
    }
    actions: [
      {
        actionGroupId: people.id
      }
    ]
  }
}
