// How long this process has been worked on, in milliseconds: what other processes do meanwhile does not count.
export function worked() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
