-- Text of an answer that is being written, in the order of the numbers. It moves into the message when the answer ends,
-- so that a long answer is not written anew with each piece.
create table message_fragments (
    conversation_id uuid not null,
    seq integer not null,
    number integer not null,
    text text not null,
    primary key (conversation_id, seq, number),
    foreign key (conversation_id, seq) references messages on delete cascade
);

-- What the chat has cost on a day of UTC.
create table chat_usage_of_users (
    user_id uuid not null references users on delete cascade,
    day date not null,
    turns bigint not null default 0,
    tokens bigint not null default 0,
    primary key (user_id, day)
);
create index chat_usage_of_users_by_day on chat_usage_of_users (day);

-- The same for all users together, which also counts users who are deleted.
create table chat_usage (
    day date primary key,
    turns bigint not null default 0,
    tokens bigint not null default 0
);
