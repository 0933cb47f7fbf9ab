// The secrets of the app. App settings only reference them, so the right to read settings does not reveal the values.
param name string
param location string
param tags object

@secure()
param clientsDatabaseUrl string

@secure()
@description('Empty: no secret is created, and webhooks are off.')
param webhookSecret string

@description('Object id of the identity that may read the secrets.')
param principalId string

var keyVaultSecretsUser = '4633458b-17de-408a-b874-0445c86b69e6'

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 7
  }
}

resource databaseUrl 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = {
  parent: vault
  name: 'clients-database-url'
  properties: {
    value: clientsDatabaseUrl
  }
}

resource webhooks 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = if (!empty(webhookSecret)) {
  parent: vault
  name: 'webhook-secret'
  properties: {
    value: webhookSecret
  }
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, principalId, keyVaultSecretsUser)
  scope: vault
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', keyVaultSecretsUser)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

output name string = vault.name

// These URIs name the version of the secret. A new value therefore changes the app setting, and the app uses it at once
// instead of within a day.
output clientsDatabaseUrlSecretUri string = databaseUrl.properties.secretUriWithVersion
output webhookSecretUri string = empty(webhookSecret) ? '' : webhooks!.properties.secretUriWithVersion
