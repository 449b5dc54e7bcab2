int undeclared_before(int unused)
{
    return 1L << 40;
}
