int zero;
