"use client";

import { Check, Copy } from "lucide-react";
import { useRef, useState } from "react";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import { announce } from "@/lib/announce";
import type { CreatedToken } from "@/lib/api/types";

export function TokenSecret({ token, onDone }: { token: CreatedToken; onDone: () => void }) {
  const input = useRef<HTMLInputElement>(null);
  const [copied, setCopied] = useState(false);

  async function copy() {
    input.current?.select();
    try {
      await navigator.clipboard.writeText(token.token);
    } catch {
      // The Clipboard API needs HTTPS; this older command also works with plain HTTP.
      if (!document.execCommand("copy")) return announce("Could not copy. The token is selected; copy it by hand.");
    }
    setCopied(true);
    announce("Copied");
  }

  return (
    <div className="grid gap-5">
      <div className="flex gap-2">
        <Input
          ref={input}
          readOnly
          aria-label={`Token ${token.name}`}
          value={token.token}
          className="font-mono"
          onFocus={(event) => event.target.select()}
        />
        <Button variant="outline" onClick={copy}>
          {copied ? <Check className="text-primary" /> : <Copy />}
          {copied ? "Copied" : "Copy"}
        </Button>
      </div>
      <Button className="justify-self-end" onClick={onDone}>
        Done
      </Button>
    </div>
  );
}
