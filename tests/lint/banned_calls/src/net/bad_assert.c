void never(int x)
{
    assert(x);
}
