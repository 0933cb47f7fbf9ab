// The real Durable Functions extension (Microsoft.Azure.WebJobs.Extensions.DurableTask) without the Functions host around it.
// Orchestrators and activities are forwarded over loopback HTTP to a program that runs the Python functions (devhost), in the
// same JSON that the Functions host would hand to a language worker.
//
//   durable-engine --host-json host.json --functions functions.json --bridge http://127.0.0.1:7091 --client-file client.json
//
// functions.json: {"orchestrators": ["name"], "activities": ["name"]}. The storage account is AzureWebJobsStorage.
// When it serves, it writes the durable client's binding data to --client-file and prints one line: "engine ready".

using System.Net;
using System.Net.Http.Headers;
using System.Reflection;
using System.Reflection.Emit;
using System.Text;
using System.Text.Json;
using Microsoft.Azure.WebJobs;
using Microsoft.Azure.WebJobs.Extensions.DurableTask;
using Microsoft.Azure.WebJobs.Host.Config;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Newtonsoft.Json.Linq;

namespace DurableEngine;

public static class Program
{
    public static async Task<int> Main(string[] args)
    {
        var options = new Dictionary<string, string>();
        for (int i = 0; i + 1 < args.Length; i += 2)
        {
            options[args[i].TrimStart('-')] = args[i + 1];
        }

        Environment.SetEnvironmentVariable("FUNCTIONS_WORKER_RUNTIME", "python");
        Environment.SetEnvironmentVariable("CONTAINER_NAME", null);  // with it the extension takes this for a Consumption plan, and logs for it
        Bridge.BaseUrl = options["bridge"].TrimEnd('/');
        Type functions = FunctionClass.Build(options["functions"]);

        using IHost host = new HostBuilder()
            .UseEnvironment(Environments.Development)
            .ConfigureAppConfiguration(c => c
                .AddInMemoryCollection(HostJson.Flatten(options["host-json"]))
                .AddEnvironmentVariables())
            .ConfigureWebJobs(b =>
            {
                b.AddAzureStorageCoreServices();
                b.AddDurableTask();
            })
            .ConfigureServices(s =>
            {
                s.AddSingleton<ITypeLocator>(new OneTypeLocator(functions));
                s.AddSingleton<IWebHookProvider>(new WebHooks(options.GetValueOrDefault("public-url", "http://127.0.0.1:7071")));
                s.AddSingleton<INameResolver, EnvironmentNames>();
            })
            .ConfigureLogging(l =>
            {
                l.AddSimpleConsole(o => o.SingleLine = true);
                l.SetMinimumLevel(Enum.Parse<LogLevel>(options.GetValueOrDefault("log-level", "Warning")));
            })
            .Build();

        if (options.ContainsKey("exit-with-stdin"))
        {
            new Thread(() =>
            {
                while (Console.In.ReadLine() is not null) { }
                Environment.Exit(0);  // whoever started this is gone: end at once, as a host does that is killed
            }) { IsBackground = true }.Start();
        }

        await host.StartAsync();
        await host.Services.GetRequiredService<IJobHost>()
            .CallAsync($"{functions.Name}.{FunctionClass.ClientMethod}", new Dictionary<string, object>());
        string unfinished = options["client-file"] + ".part";
        await File.WriteAllTextAsync(unfinished, FunctionClass.ClientBinding);
        File.Move(unfinished, options["client-file"], overwrite: true);
        Console.WriteLine("engine ready");
        await host.WaitForShutdownAsync();
        return 0;
    }
}

/// <summary>Calls the program that runs the Python functions.</summary>
public static class Bridge
{
    private static readonly HttpClient Http = new(new SocketsHttpHandler { MaxConnectionsPerServer = 1000 })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    public static string BaseUrl { get; set; }

    public static async Task<object> Orchestrator(string name, string context) => await Call("orchestrator", name, context);

    public static async Task<object> Activity(string name, string input)
    {
        string text = await Call("activity", name, input);
        return string.IsNullOrEmpty(text) ? null : JToken.Parse(text);
    }

    private static async Task<string> Call(string kind, string name, string body)
    {
        for (int attempt = 0; ; attempt++)
        {
            HttpResponseMessage response;
            try
            {
                using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body ?? "null"));
                content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
                response = await Http.PostAsync($"{BaseUrl}/engine/{kind}/{name}", content);
            }
            catch (HttpRequestException) when (attempt < 600)
            {
                await Task.Delay(100);  // the bridge is not there (yet)
                continue;
            }

            string text = await response.Content.ReadAsStringAsync();
            if (response.StatusCode == HttpStatusCode.OK)
            {
                return text;
            }

            using JsonDocument failure = JsonDocument.Parse(text);
            string type = failure.RootElement.GetProperty("type").GetString();
            string message = failure.RootElement.GetProperty("message").GetString();
            string stack = failure.RootElement.GetProperty("stack").GetString();
            throw new Exception($"Result: Failure\nException: {type}: {message}\nStack: {stack}");
        }
    }
}

/// <summary>A class with one method a function, as the script host makes them.</summary>
public static class FunctionClass
{
    public const string ClientMethod = "durable_client_binding";

    public static string ClientBinding { get; set; }

    public static void KeepClientBinding(string binding) => ClientBinding = binding;

    public static Type Build(string functionsFile)
    {
        using JsonDocument functions = JsonDocument.Parse(File.ReadAllText(functionsFile));
        ModuleBuilder module = AssemblyBuilder
            .DefineDynamicAssembly(new AssemblyName("functions"), AssemblyBuilderAccess.Run)
            .DefineDynamicModule("functions");
        TypeBuilder type = module.DefineType("Functions", TypeAttributes.Public | TypeAttributes.Class | TypeAttributes.Sealed | TypeAttributes.Abstract);
        foreach (JsonElement name in functions.RootElement.GetProperty("orchestrators").EnumerateArray())
        {
            Forward(type, name.GetString(), typeof(OrchestrationTriggerAttribute), nameof(Bridge.Orchestrator));
        }

        foreach (JsonElement name in functions.RootElement.GetProperty("activities").EnumerateArray())
        {
            Forward(type, name.GetString(), typeof(ActivityTriggerAttribute), nameof(Bridge.Activity));
        }

        MethodBuilder client = type.DefineMethod(ClientMethod, MethodAttributes.Public | MethodAttributes.Static, typeof(void), new[] { typeof(string) });
        client.SetCustomAttribute(new CustomAttributeBuilder(typeof(NoAutomaticTriggerAttribute).GetConstructor(Type.EmptyTypes), Array.Empty<object>()));
        client.DefineParameter(1, ParameterAttributes.None, "client").SetCustomAttribute(
            new CustomAttributeBuilder(typeof(DurableClientAttribute).GetConstructor(Type.EmptyTypes), Array.Empty<object>()));
        ILGenerator il = client.GetILGenerator();
        il.Emit(OpCodes.Ldarg_0);
        il.Emit(OpCodes.Call, typeof(FunctionClass).GetMethod(nameof(KeepClientBinding)));
        il.Emit(OpCodes.Ret);
        return type.CreateType();
    }

    private static void Forward(TypeBuilder type, string name, Type trigger, string target)
    {
        MethodBuilder method = type.DefineMethod(name, MethodAttributes.Public | MethodAttributes.Static, typeof(Task<object>), new[] { typeof(string) });
        method.SetCustomAttribute(new CustomAttributeBuilder(
            typeof(FunctionNameAttribute).GetConstructor(new[] { typeof(string) }), new object[] { name }));
        method.DefineParameter(1, ParameterAttributes.None, "input").SetCustomAttribute(
            new CustomAttributeBuilder(trigger.GetConstructor(Type.EmptyTypes), Array.Empty<object>()));
        ILGenerator il = method.GetILGenerator();
        il.Emit(OpCodes.Ldstr, name);
        il.Emit(OpCodes.Ldarg_0);
        il.Emit(OpCodes.Call, typeof(Bridge).GetMethod(target));
        il.Emit(OpCodes.Ret);
    }
}

public sealed class OneTypeLocator : ITypeLocator
{
    private readonly Type type;

    public OneTypeLocator(Type type) => this.type = type;

    public IReadOnlyList<Type> GetTypes() => new[] { this.type };
}

/// <summary>The public address of the extension's HTTP API, as a Functions host would tell it.</summary>
public sealed class WebHooks : IWebHookProvider
{
    private readonly string origin;

    public WebHooks(string origin) => this.origin = origin.TrimEnd('/');

    public Uri GetUrl(IExtensionConfigProvider extension) => new($"{this.origin}/runtime/webhooks/durabletask?code=engine");
}

public sealed class EnvironmentNames : INameResolver
{
    public string Resolve(string name) => Environment.GetEnvironmentVariable(name);
}

/// <summary>host.json as configuration, under the root that the Functions host uses.</summary>
public static class HostJson
{
    public static Dictionary<string, string> Flatten(string file)
    {
        var flat = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(file));
        if (document.RootElement.TryGetProperty("extensions", out JsonElement extensions))
        {
            Add(flat, "AzureWebJobs:extensions", extensions);
            Add(flat, "AzureFunctionsJobHost:extensions", extensions);
        }

        return flat;
    }

    private static void Add(Dictionary<string, string> flat, string path, JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (JsonProperty property in element.EnumerateObject())
                {
                    Add(flat, $"{path}:{property.Name}", property.Value);
                }

                break;
            case JsonValueKind.Array:
                int index = 0;
                foreach (JsonElement item in element.EnumerateArray())
                {
                    Add(flat, $"{path}:{index++}", item);
                }

                break;
            default:
                flat[path] = element.ToString();
                break;
        }
    }
}
