mod people;
mod users;
