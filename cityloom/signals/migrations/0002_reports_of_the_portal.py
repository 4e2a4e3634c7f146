from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('signals', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='report',
            name='has_words',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='report',
            name='packet',
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='report',
            name='photos',
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='report',
            name='source',
            field=models.CharField(default='call', max_length=8),
        ),
        migrations.AddIndex(
            model_name='report',
            index=models.Index(condition=models.Q(('packet__isnull', False)), fields=['reported_at'], name='report_sealed'),
        ),
    ]
