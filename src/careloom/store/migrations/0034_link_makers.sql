-- Who made a link to a form, and so answers for what is filled by it; null for links that a step sent.
ALTER TABLE form_link ADD COLUMN maker text;
