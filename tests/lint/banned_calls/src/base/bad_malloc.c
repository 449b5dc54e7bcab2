void *take(void)
{
    return malloc(1);
}
