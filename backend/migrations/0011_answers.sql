-- What a model sent with an answer besides its text, and why a turn ended that neither failed nor was done.
alter table messages
    -- What the model thought before it wrote the text.
    add column reasoning text not null default '',
    -- Of the last message of such a turn.
    add column end_reason text,
    -- The call of a tool, or further fields of an answer, as the model sent them. They are sent back to it unchanged.
    add column as_sent json;
