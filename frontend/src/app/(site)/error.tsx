"use client";

// A boundary in the group keeps the group's layout around the error.
export { default } from "../error";
