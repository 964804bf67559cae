-- A message is kept before it is sent, and stays when its receiver refuses it. A referral keeps its
-- whole answer, sealed, so that a repeated request finds the first one.
ALTER TABLE message DROP CONSTRAINT message_state_check;
ALTER TABLE message ADD CONSTRAINT message_state_check CHECK (state IN ('captured', 'sent', 'pending', 'failed'));
ALTER TABLE referral ADD COLUMN answer bytea;
