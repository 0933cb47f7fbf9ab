// Uses the client that `@hey-api/openapi-ts` generates: start, poll, download, and two errors.
// Run with the address of the service, an API key and a tenant. Prints what it got as JSON.
import { getExportOfTenant, getManifestOfTenant, startExportOfTenant } from './generated';
import { createClient } from './generated/client';
import type { CsvExportJobDto, CsvExportRequestDto, Problem } from './generated';

declare const process: { argv: string[] };

function jobOf(answer: { data?: CsvExportJobDto; error?: Problem }): CsvExportJobDto {
  if (answer.data === undefined) throw new Error(JSON.stringify(answer.error));
  return answer.data;
}

function problemOf(answer: { data?: CsvExportJobDto; error?: Problem }): Problem {
  if (answer.error === undefined) throw new Error(JSON.stringify(answer.data));
  return answer.error;
}

async function main(baseUrl: string, key: string, tenant: string): Promise<void> {
  const client = createClient({ baseUrl, auth: (scheme) => (scheme.type === 'apiKey' ? key : undefined) });
  const path = { tenant };
  const body: CsvExportRequestDto = {
    columnMappings: [
      { csvHeader: 'Client code', targetField: 'Code' },
      { csvHeader: 'Status', targetField: 'Status' },
    ],
    format: { delimiter: ';' },
  };
  let job = jobOf(await startExportOfTenant({ client, path, body, headers: { Prefer: 'respond-async' } }));
  while (job.status === 'Queued' || job.status === 'InProgress') {
    await new Promise((resolve) => setTimeout(resolve, 100));
    job = jobOf(await getExportOfTenant({ client, path: { tenant, code: job.code } }));
  }
  if (job.downloadUrl === null) throw new Error(JSON.stringify(job));
  const lines = (await (await fetch(job.downloadUrl)).text()).split('\r\n');
  const manifest = await getManifestOfTenant({ client, path: { tenant, code: job.code } });
  const missing = problemOf(await getExportOfTenant({ client, path: { tenant, code: '0'.repeat(26) } }));
  const refused = problemOf(await startExportOfTenant({ client, path, body: { mappingCode: 'no-such-mapping' } }));
  const found = { header: lines[0], rows: lines.length - 2, manifest: manifest.data?.rows, total: job.totalItems };
  const pointers = (refused.errors ?? []).map((fault) => fault.pointer);
  console.log(JSON.stringify({ ...found, problems: [missing.code, refused.code], pointers }));
}

main(process.argv[2] ?? '', process.argv[3] ?? '', process.argv[4] ?? '');
