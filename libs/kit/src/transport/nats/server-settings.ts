/**
 * Lines of a nats-server's configuration that every broker should have. A client that does not answer is let go after 2.2 to 2.75 s: the
 * first ping comes up to two intervals after its last word, two more follow, and then it is stale. With the server's usual pings, two
 * minutes apart, a replica that is frozen goes on being drawn for calls for six minutes; with faster ones, a replica that is only
 * busy for a second or two would lose its connection.
 */
export const NATS_SERVER_PINGS = 'ping_interval: "550ms"\nping_max: 3\n';
