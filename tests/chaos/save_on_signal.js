// Runs inside the storage emulator. Makes it save its data to disk on SIGUSR2, and not only every five seconds.
const savers = [];
const every = global.setInterval;
global.setInterval = (run, milliseconds, ...rest) => {
  if (milliseconds === 5000) savers.push(run);
  return every(run, milliseconds, ...rest);
};
process.on("SIGUSR2", () => savers.forEach((save) => save()));
