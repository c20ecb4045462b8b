-- The IANA name of the time zone where the user was when they wrote a message, if the browser has told it.
alter table messages add column time_zone text;
