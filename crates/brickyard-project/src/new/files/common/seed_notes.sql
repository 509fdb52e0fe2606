CREATE SCHEMA IF NOT EXISTS notes;
CREATE TABLE IF NOT EXISTS notes.note (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    author text NOT NULL,
    text text NOT NULL,
    created timestamptz NOT NULL DEFAULT now()
);
INSERT INTO notes.note (author, text) VALUES
    ('ada@example.com', 'Welcome: this line comes from seed/notes.sql'),
    ('grace@example.com', 'Write one of your own');
