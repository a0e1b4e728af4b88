mod leaf;
