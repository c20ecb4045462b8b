import { buildConnector, Client } from "undici";

/** Longer than the 5 s after which a resolver repeats its query, so that one lost packet is not an outage. */
const CONNECT_TIMEOUT_MS = 8_000;
/** The time without data in either direction during a request. Event streams have a heartbeat every 15 s. */
const SILENCE_TIMEOUT_MS = 60_000;
/** How long an idle connection is kept. The backend closes it after 75 s, so this server always closes it first. */
const KEEP_ALIVE_MS = 10_000;
/**
 * How recently a connection must have been used for a request that must not be repeated. A backend that shuts down
 * answers with `connection: close` for longer than that, so it does not close a connection that was used so recently.
 */
const RECENT_MS = 1_000;
/** Each connection is replaced after half to all of this time, so that requests spread over new replicas. */
const MAX_AGE_MS = 10_000;
const MAX_IDLE = 64;
/** Also the number of requests at a time, since each one has a connection of its own, even while it streams events. */
const MAX_CONNECTIONS = 5_000;

const connect = buildConnector({ timeout: CONNECT_TIMEOUT_MS });

const connectWithTimeout: buildConnector.connector = (options, callback) =>
  connect(options, (...result) => {
    const socket = result[1];
    socket?.setTimeout(SILENCE_TIMEOUT_MS, () => socket.destroy(new Error("timed out")));
    callback(...result);
  });

/**
 * A connection that serves one request at a time. Before it sends a request, undici reads what has arrived since the
 * last one. If that is the end of the connection, undici opens another, since no byte of the request was sent.
 */
export interface Connection {
  client: Client;
  /** Whether it has already served a request, so that the backend may close it just when the next one is sent. */
  kept: boolean;
  idleSince: number;
  expiresAt: number;
}

/** Which of the kept connections a request may use. */
export type Reuse = keyof typeof MAX_IDLE_MS;
const MAX_IDLE_MS = { any: Number.POSITIVE_INFINITY, recent: RECENT_MS, none: Number.NEGATIVE_INFINITY };

/** The connections to one backend. */
export class BackendPool {
  readonly #url: URL;
  /** The connection that was used last comes last, and is used next. The others time out when they are not needed. */
  readonly #idle: Connection[] = [];
  #busy = 0;

  constructor(url: URL) {
    this.#url = url;
  }

  /** Returns a connection for one request, or undefined if there are too many. */
  acquire(reuse: Reuse): Connection | undefined {
    if (this.#busy >= MAX_CONNECTIONS) return undefined;
    this.#busy++;
    return this.#takeIdle(MAX_IDLE_MS[reuse]) ?? this.#open();
  }

  /** Takes a connection back after its request. It is used again if the response has not excluded that. */
  release(connection: Connection, reusable: boolean) {
    this.#busy--;
    const now = performance.now();
    if (!reusable || now >= connection.expiresAt || this.#idle.length >= MAX_IDLE) {
      void connection.client.destroy();
      return;
    }
    connection.kept = true;
    connection.idleSince = now;
    this.#idle.push(connection);
  }

  closeIdle() {
    for (const { client } of this.#idle.splice(0)) void client.destroy();
  }

  #takeIdle(maxIdleMs: number): Connection | undefined {
    const now = performance.now();
    for (let connection = this.#idle.at(-1); connection; connection = this.#idle.at(-1)) {
      // All others have been idle for even longer.
      if (now - connection.idleSince > maxIdleMs) return undefined;
      this.#idle.pop();
      if (now < connection.expiresAt) return connection;
      void connection.client.destroy();
    }
    return undefined;
  }

  #open(): Connection {
    const client = new Client(this.#url, {
      connect: connectWithTimeout,
      keepAliveTimeout: KEEP_ALIVE_MS,
      // The timeout of the socket concerns both directions, and uploads too.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    const expiresAt = performance.now() + MAX_AGE_MS * (0.5 + Math.random() / 2);
    const connection = { client, kept: false, idleSince: 0, expiresAt };
    client.on("disconnect", () => {
      const index = this.#idle.indexOf(connection);
      if (index >= 0) this.#idle.splice(index, 1);
    });
    return connection;
  }
}
