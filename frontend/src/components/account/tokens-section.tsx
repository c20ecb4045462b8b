"use client";

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { lazy, useState } from "react";
import { LazyDialog } from "@/components/client-only";
import { Button } from "@/components/ui/button";
import { ConfirmDialog } from "@/components/ui/confirm-dialog";
import { tokensQuery } from "@/lib/account/queries";
import { revokeToken } from "@/lib/api/auth";
import type { TokenInfo } from "@/lib/api/types";
import { formatDate, timeAgo } from "@/lib/format";
import { notify } from "@/lib/notify";
import { RemoteList } from "./remote-list";
import { Section } from "./section";

const TokenDialog = lazy(() => import("./token-dialog"));

export function TokensSection() {
  const client = useQueryClient();
  const query = useQuery(tokensQuery);
  const [creating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<TokenInfo | null>(null);

  async function revoke() {
    if (!revoking) return;
    await revokeToken(revoking.id);
    await client.invalidateQueries({ queryKey: tokensQuery.queryKey });
    notify.success(`Revoked “${revoking.name}”`);
  }

  return (
    <Section
      id="tokens"
      title="API tokens"
      text="For programs that act in your name, such as scripts and assistants."
      action={
        <Button variant="outline" size="sm" onClick={() => setCreating(true)}>
          New token
        </Button>
      }
    >
      <RemoteList query={query} label="API tokens" empty="No program has access.">
        {(token) => (
          <>
            <div className="min-w-0 text-sm">
              <p className="break-words font-medium">{token.name}</p>
              <p className="text-muted-foreground">
                {token.last_used_at ? `Last used ${timeAgo(token.last_used_at)}` : "Never used"} ·{" "}
                {token.expires_at ? `expires ${formatDate(token.expires_at)}` : "never expires"}
              </p>
            </div>
            <Button
              variant="destructive"
              size="sm"
              aria-label={`Revoke ${token.name}`}
              onClick={() => setRevoking(token)}
            >
              Revoke
            </Button>
          </>
        )}
      </RemoteList>
      <LazyDialog open={creating}>
        <TokenDialog open={creating} onClose={() => setCreating(false)} />
      </LazyDialog>
      <ConfirmDialog
        open={revoking !== null}
        onClose={() => setRevoking(null)}
        title={`Revoke “${revoking?.name ?? ""}”?`}
        text="Programs that use this token lose access at once. This cannot be undone."
        confirm="Revoke"
        onConfirm={revoke}
      />
    </Section>
  );
}
