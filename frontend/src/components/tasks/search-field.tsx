"use client";

import { Search, X } from "lucide-react";
import { type Ref, useEffect, useImperativeHandle, useRef } from "react";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import { useDebouncedCallback } from "@/lib/hooks/use-debounced-callback";
import { MAX_QUERY_CHARS } from "@/lib/tasks/filter";

type Props = { q: string; onSearch: (q: string) => void; ref: Ref<HTMLInputElement> };

export function SearchField({ q, onSearch, ref }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const search = useDebouncedCallback((value: string) => onSearch(value.trim()));
  useImperativeHandle(ref, () => input.current as HTMLInputElement);

  // Going back or forward in the history changes the address, but not the field.
  useEffect(() => {
    if (input.current && input.current.value.trim() !== q) input.current.value = q;
  }, [q]);

  function clear() {
    if (input.current) input.current.value = "";
    search("", 0);
    input.current?.focus();
  }

  return (
    <search className="relative w-full sm:w-64">
      <Search
        className="pointer-events-none absolute top-1/2 left-3 size-4 -translate-y-1/2 text-muted-foreground"
        aria-hidden="true"
      />
      <Input
        ref={input}
        type="text"
        role="searchbox"
        enterKeyHint="search"
        aria-label="Search tasks"
        placeholder="Search"
        maxLength={MAX_QUERY_CHARS}
        autoComplete="off"
        defaultValue={q}
        className="pr-9 pl-9"
        onInput={(event) => search(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") search(event.currentTarget.value, 0);
          if (event.key === "Escape") event.currentTarget.value ? clear() : event.currentTarget.blur();
        }}
      />
      {q && (
        <Button
          variant="ghost"
          size="icon"
          className="absolute top-1 right-1"
          aria-label="Clear search"
          onClick={clear}
        >
          <X />
        </Button>
      )}
    </search>
  );
}
