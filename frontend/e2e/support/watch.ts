import { type BrowserContext, expect } from "@playwright/test";

/** What no page may do: break its own security policy, log an error, throw, or ask another origin. */
export class Watch {
  private readonly faults: string[] = [];
  private readonly allowed: RegExp[] = [];

  constructor(private readonly origin: string) {}

  /** For tests that provoke an error. Pattern of "<what the console says> <address it is about>". */
  allow(...patterns: RegExp[]) {
    this.allowed.push(...patterns);
  }

  async over(context: BrowserContext) {
    // Also what a policy refuses without a word in the console.
    await context.addInitScript(() =>
      document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI, sample }) =>
        console.error(`CSP violation: ${violatedDirective} ${blockedURI} ${sample}`),
      ),
    );
    context.on("console", (message) => {
      if (message.type() === "error") this.faults.push(`${message.text()} ${message.location().url}`);
    });
    context.on("weberror", (error) => this.faults.push(`Uncaught ${error.error().stack ?? error.error()}`));
    context.on("request", (request) => {
      const { origin, protocol, href } = new URL(request.url());
      if (protocol.startsWith("http") && origin !== this.origin) this.faults.push(`Request to another origin: ${href}`);
    });
  }

  verify() {
    const unexpected = this.faults.filter((fault) => !this.allowed.some((pattern) => pattern.test(fault)));
    expect(unexpected, "nothing went wrong in the browser").toEqual([]);
  }
}
