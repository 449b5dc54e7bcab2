int twice(void)
{
    return fork();
}
