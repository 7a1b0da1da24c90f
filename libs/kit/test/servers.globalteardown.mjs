/** jest's globalTeardown: ends what servers.globalsetup.mjs started. */
export default async function teardown() {
  await Promise.all((globalThis.fledgeTestServers ?? []).map((server) => server.stop()));
}
