-- Runs once, on an empty data folder. The services connect as `shop`, which makes a schema, roles and logins for each module at its first
-- start: it must be able to make them, and needs to be no superuser. The modules then work as their own logins, which `fledge database roles`
-- makes beforehand where no service shall have the password of such a user.
\getenv password SHOP_DATABASE_PASSWORD
create role shop login createrole password :'password';
create database shop owner shop;
revoke all on database shop from public;
