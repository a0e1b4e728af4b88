pub struct Users;
