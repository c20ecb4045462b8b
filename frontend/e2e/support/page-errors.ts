import { type BrowserContext, expect } from "@playwright/test";

/** Collects violations of the security policy, logged errors, uncaught errors and requests to other origins. */
export class PageErrors {
  private readonly errors: string[] = [];
  private readonly allowed: RegExp[] = [];

  constructor(private readonly origin: string) {}

  /** Allows an error that a test provokes. The patterns are for "<message of the console> <its address>". */
  allow(...patterns: RegExp[]) {
    this.allowed.push(...patterns);
  }

  async observe(context: BrowserContext) {
    // The console does not show every violation of the policy.
    await context.addInitScript(() =>
      document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI, sample }) =>
        console.error(`CSP violation: ${violatedDirective} ${blockedURI} ${sample}`),
      ),
    );
    context.on("console", (message) => {
      if (message.type() === "error") this.errors.push(`${message.text()} ${message.location().url}`);
    });
    context.on("weberror", (error) => this.errors.push(`Uncaught ${error.error().stack ?? error.error()}`));
    context.on("request", (request) => {
      const { origin, protocol, href } = new URL(request.url());
      if (protocol.startsWith("http") && origin !== this.origin) this.errors.push(`Request to another origin: ${href}`);
    });
  }

  verify() {
    const unexpected = this.errors.filter((error) => !this.allowed.some((pattern) => pattern.test(error)));
    expect(unexpected, "no error in the browser").toEqual([]);
  }
}
