"use client";

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { ConfirmDialog } from "@/components/ui/confirm-dialog";
import { sessionsQuery } from "@/lib/account/queries";
import { endOtherSessions, endSession } from "@/lib/api/auth";
import type { SessionInfo } from "@/lib/api/types";
import { deviceName, formatDate, timeAgo } from "@/lib/format";
import { notify } from "@/lib/notify";
import { RemoteList } from "./remote-list";
import { Section } from "./section";

export function SessionsSection() {
  const client = useQueryClient();
  const query = useQuery(sessionsQuery);
  const [ending, setEnding] = useState<SessionInfo | "others" | null>(null);
  const hasOthers = query.data?.some(({ current }) => !current);

  async function end() {
    if (!ending) return;
    await (ending === "others" ? endOtherSessions() : endSession(ending.id));
    await client.invalidateQueries({ queryKey: sessionsQuery.queryKey });
    notify.success(ending === "others" ? "All other devices are signed out" : "The device is signed out");
  }

  return (
    <Section
      id="sessions"
      title="Devices"
      text="Where you are signed in. Sign out what you do not recognise, then change your password."
      action={
        hasOthers && (
          <Button variant="outline" size="sm" onClick={() => setEnding("others")}>
            Sign out all others
          </Button>
        )
      }
    >
      <RemoteList query={query} label="Devices" empty="No other device is signed in.">
        {(session) => (
          <>
            <div className="min-w-0 text-sm">
              <p className="flex items-center gap-2 font-medium">
                <span title={session.user_agent ?? undefined}>{deviceName(session.user_agent)}</span>
                {session.current && <Badge>This device</Badge>}
              </p>
              <p className="text-muted-foreground">
                Active {timeAgo(session.last_used_at)} · signed in {formatDate(session.created_at)}
              </p>
            </div>
            {!session.current && (
              <Button
                variant="ghost"
                size="sm"
                aria-label={`Sign out ${deviceName(session.user_agent)}`}
                onClick={() => setEnding(session)}
              >
                Sign out
              </Button>
            )}
          </>
        )}
      </RemoteList>
      <ConfirmDialog
        open={ending !== null}
        onClose={() => setEnding(null)}
        title={
          ending === "others"
            ? "Sign out all other devices?"
            : `Sign out ${ending ? deviceName(ending.user_agent) : ""}?`
        }
        text="It takes effect at once. Work that was not saved there is lost."
        confirm="Sign out"
        onConfirm={end}
      />
    </Section>
  );
}
