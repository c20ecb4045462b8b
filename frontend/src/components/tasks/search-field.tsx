"use client";

import { Search, X } from "lucide-react";
import { type Ref, useEffect, useImperativeHandle, useRef } from "react";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";

const DEBOUNCE_MS = 250;

type Props = { q: string; onSearch: (q: string) => void; ref: Ref<HTMLInputElement> };

export function SearchField({ q, onSearch, ref }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useImperativeHandle(ref, () => input.current as HTMLInputElement);

  // Back and forward change the address bar, not the field.
  useEffect(() => {
    if (input.current && input.current.value.trim() !== q) input.current.value = q;
  }, [q]);
  useEffect(() => () => clearTimeout(timer.current), []);

  function search(value: string, delay: number) {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => onSearch(value.trim()), delay);
  }

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
        maxLength={200}
        autoComplete="off"
        defaultValue={q}
        className="pr-9 pl-9"
        onInput={(event) => search(event.currentTarget.value, DEBOUNCE_MS)}
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
