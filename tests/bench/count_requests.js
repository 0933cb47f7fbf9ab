// Counts the requests to the storage emulator by sender (app or durable), service (blob, queue or table) and method.
// GET /__counts on any of its ports returns the counts so far. That request is not counted itself.
const http = require('http');
const counts = {};
const emit = http.Server.prototype.emit;
function service(request) {
  if (request.headers['dataserviceversion'] || request.url.includes('$batch')) return 'table';
  return /Storage\.Queues|storage-queue/.test(request.headers['user-agent']) ? 'queue' : 'blob';
}
http.Server.prototype.emit = function (event, request, response) {
  if (event !== 'request') return emit.apply(this, arguments);
  if (request.url === '/__counts') {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(counts));
    return true;
  }
  // the Durable extension is written in C#, the app in Python; their SDKs say so
  const sender = /azsdk-net/.test(request.headers['user-agent']) ? 'durable' : 'app';
  const name = `${sender} ${service(request)} ${request.method}`;
  counts[name] = (counts[name] || 0) + 1;
  return emit.apply(this, arguments);
};
