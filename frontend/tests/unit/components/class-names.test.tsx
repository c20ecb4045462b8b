// @vitest-environment jsdom
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, describe, expect, it } from "vitest";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { cn } from "@/lib/utils";

afterEach(cleanup);

describe("cn", () => {
  it("lets a later class override an earlier one for the same property", () => {
    expect(cn("rounded-lg px-2 text-sm", "rounded-full", { "px-4": true })).toBe("text-sm rounded-full px-4");
  });

  it("keeps classes that do not conflict", () => {
    const classes = "text-sm text-muted-foreground hover:text-foreground px-3 pl-9 pop-in";
    expect(cn(classes, false, undefined)).toBe(classes);
  });

  it("knows the shadows of the theme", () => {
    expect(cn("shadow-card", "shadow-float")).toBe("shadow-float");
    expect(cn("shadow-xs", "shadow-card")).toBe("shadow-card");
  });
});

describe("a component", () => {
  it("lets its className override its own classes", () => {
    render(
      <>
        <Button className="h-9 rounded-full">Save</Button>
        <Card role="group" className="shadow-float" />
      </>,
    );
    const button = screen.getByRole("button", { name: "Save" }).classList;
    expect([...button].filter((name) => /^(h|rounded)-/.test(name))).toEqual(["h-9", "rounded-full"]);
    expect(screen.getByRole("group").classList.contains("shadow-card")).toBe(false);
  });
});
