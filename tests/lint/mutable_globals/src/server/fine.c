int server = 3;
