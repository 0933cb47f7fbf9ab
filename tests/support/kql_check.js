// Parses Kusto queries and checks their names and types with Microsoft's own parser, @kusto/language-service-next.
// Usage: node kql_check.js FOLDER-OF-THE-PACKAGE, with {"tables": {name: schema}, "queries": {name: text}} as input.
// Output: {name: {"messages": […], "columns": {name: type}}}; the columns are those of the result.
"use strict";

const fs = require("fs");
const path = require("path");
const vm = require("vm");

for (const script of ["bridge.min.js", "Kusto.Language.Bridge.min.js"]) {
  const file = path.join(process.argv[2], script);
  vm.runInThisContext(fs.readFileSync(file, "utf8"), { filename: file });
}
const { GlobalState, KustoCode, Symbols } = globalThis.Kusto.Language;

function items(list) {
  return Array.from({ length: list.Count }, (_, index) => list.getItem(index));
}

function check(text, globals) {
  const code = KustoCode.ParseAndAnalyze(text, globals);
  const messages = items(code.GetDiagnostics()).map(
    (fault) => `${fault.Severity}: ${fault.Message} (${text.substr(fault.Start, fault.Length)})`,
  );
  const columns = code.ResultType && code.ResultType.Columns ? items(code.ResultType.Columns) : [];
  return { messages, columns: Object.fromEntries(columns.map((column) => [column.Name, column.Type.Name])) };
}

const input = JSON.parse(fs.readFileSync(0, "utf8"));
const tables = Object.entries(input.tables).map(([name, schema]) => Symbols.TableSymbol.From(schema).WithName(name));
const globals = GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.ctor("workspace", tables));
const answers = Object.entries(input.queries).map(([name, text]) => [name, check(text, globals)]);
process.stdout.write(JSON.stringify(Object.fromEntries(answers)));
