void copy(char *to)
{
    strcpy(to, "x");
}
