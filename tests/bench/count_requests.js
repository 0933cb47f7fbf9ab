// Counts the requests to the storage emulator by service (blob or table) and method.
// GET /__counts on any of its ports returns the counts so far. That request is not counted itself.
const http = require('http');
const counts = {};
const emit = http.Server.prototype.emit;
http.Server.prototype.emit = function (event, request, response) {
  if (event !== 'request') return emit.apply(this, arguments);
  if (request.url === '/__counts') {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(counts));
    return true;
  }
  const service = request.headers['dataserviceversion'] || request.url.includes('$batch') ? 'table' : 'blob';
  const name = `${service} ${request.method}`;
  counts[name] = (counts[name] || 0) + 1;
  return emit.apply(this, arguments);
};
