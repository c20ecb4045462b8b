-- Addresses are compared in one form of each letter (NFC). If several accounts have addresses that differ in form alone,
-- one of them gets it; the others keep theirs.
update users set email = normalize(email)
where id in (
    select distinct on (normalize(email)) id from users
    where email is not normalized order by normalize(email), created_at
) and not exists (select from users as other where other.email = normalize(users.email));
