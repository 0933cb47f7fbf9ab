// Uses the client that OpenAPI Generator makes for C#: start, poll, download, and two errors.
// Run with the address of the service, an API key and a tenant. Prints what it got as JSON.
using System;
using System.Collections.Generic;
using System.Linq;
using System.Net.Http;
using System.Threading;
using ClientExport.Api;
using ClientExport.Client;
using ClientExport.Model;
using Newtonsoft.Json;

public static class Usage
{
    public static void Main(string[] arguments)
    {
        var configuration = new Configuration { BasePath = arguments[0] };
        configuration.ApiKey["x-api-key"] = arguments[1];
        var tenant = arguments[2];
        using (var http = new HttpClient())
        {
            var exports = new ExportsApi(http, configuration);
            var columns = new List<ColumnMappingInput>
            {
                new ColumnMappingInput("Client code", TargetField.Code),
                new ColumnMappingInput("Status", TargetField.Status),
            };
            var request = new CsvExportRequestDto(
                columnMappings: columns, format: new FormatDto(delimiter: Delimiter.Semicolon));
            var job = exports.StartExportOfTenant(tenant, request, prefer: "respond-async");
            while (job.Status == JobStatus.Queued || job.Status == JobStatus.InProgress)
            {
                Thread.Sleep(100);
                job = exports.GetExportOfTenant(tenant, job.Code);
            }
            var lines = http.GetStringAsync(job.DownloadUrl).Result.Split(new[] { "\r\n" }, StringSplitOptions.None);
            long? size = job.FileSize;
            if (size != lines.Sum(line => line.Length + 2) - 2) throw new InvalidOperationException("The size differs.");
            var manifest = exports.GetManifestOfTenant(tenant, job.Code);
            var missing = ProblemOf(() => exports.GetExportOfTenant(tenant, new string('0', 26)));
            var refused = ProblemOf(
                () => exports.StartExportOfTenant(tenant, new CsvExportRequestDto(mappingCode: "no-such-mapping")));
            Console.WriteLine(JsonConvert.SerializeObject(new Dictionary<string, object>
            {
                { "header", lines[0] },
                { "rows", lines.Length - 2 },
                { "manifest", manifest.Rows },
                { "total", job.TotalItems },
                { "problems", new[] { missing.Code, refused.Code } },
                { "pointers", refused.Errors.Select(fault => fault.Pointer) },
            }));
        }
    }

    private static Problem ProblemOf(Action call)
    {
        try
        {
            call();
        }
        catch (ApiException error)
        {
            return JsonConvert.DeserializeObject<Problem>((string)error.ErrorContent);
        }
        throw new InvalidOperationException("The call did not fail.");
    }
}
