// Both pages need their own file: with one for the group, a fast navigation can keep the title of the page before.
export { default } from "../sign-in/loading";
